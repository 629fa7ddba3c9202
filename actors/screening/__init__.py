"""Names against names and lists: how alike, and why; watch lists, and whom they may mean (S21, X3)."""
