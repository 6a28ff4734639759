"""What we build with, not what we ship."""
