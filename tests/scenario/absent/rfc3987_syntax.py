"""Where only the sandbox is installed, this is not: jsonschema compiles a grammar of it when it is imported."""

raise ImportError("the sandbox's own distribution does not bring it")
