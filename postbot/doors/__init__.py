"""How the world reaches us. A door parses, files a request, and answers; it decides nothing."""
