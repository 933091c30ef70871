"""One scenario a file; each defines SCENARIO. README.md says how to add one."""
