"""Is synthetic imaging read as consistently as real imaging?"""
