"""Question 2, diagnostic quality: is the test method as acceptable as the reference?"""
