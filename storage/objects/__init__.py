"""Documents: an encrypted folder or S3, behind one port (engine/objects.py). Import the modules."""

__all__ = ()
