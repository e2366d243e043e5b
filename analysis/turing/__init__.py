"""Question 1, the visual Turing test: are synthetic pictures told from real ones?"""
