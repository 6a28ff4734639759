"""Parts of the demonstration of the HTTP half."""
