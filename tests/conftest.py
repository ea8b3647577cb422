"""What holds for every test."""

from hypothesis import settings

# How fast a machine is no property of the code; a loaded one must not turn a test red. A test that hangs is ended by pytest-timeout.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
