"""What is open of one person: their browsers and their programs' families of tokens, one actor each person."""
