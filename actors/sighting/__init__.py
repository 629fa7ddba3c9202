"""Where else a document was seen: one actor for each content, each identity document, and one for the looks of what was refused."""
