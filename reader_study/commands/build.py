"""`magic-study build`: a blinded study and its sealed key."""

from reader_study.blinding_audit.findings import audit_text
from reader_study.build.builder import BuildRequest, build_study


def build(request: BuildRequest) -> str:
    """Build, audit and seal a study."""
    built = build_study(request)
    manifest = built.manifest
    keepers = len(request.passphrases)
    opened = "its passphrase" if keepers == 1 else "both passphrases"
    return "\n".join(
        [
            audit_text(built.audit),
            "",
            f"{request.out}: {len(manifest.presentations)} pictures for "
            f"{len(manifest.slots)} readers.",
            f"Commitment {manifest.commitment}",
            "Give it to someone outside the study, or to a registry: it proves at the "
            "end that the key was not changed.",
            f"{request.key}: opened by {opened}. Move it to where the study is not, "
            "and keep a copy: without it nobody can unblind.",
        ]
    )
