"""Questions 3 and 4: do diagnosis and confidence shift from one method to the other?"""
