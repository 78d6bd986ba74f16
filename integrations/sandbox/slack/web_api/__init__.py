"""The Web API: one module for each family of methods, and the router that dispatches to them."""
