"""The atlas as web pages: a whole site, or one page in one file. No page asks the network for anything."""
