"""What the world is told, numbered: one actor that gives every public event its position."""
