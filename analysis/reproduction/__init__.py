"""The paper's printed figures recomputed, each beside the printed one."""
