"""The one error that reading a file of others ends in."""


class ImportedFileError(ValueError):
    """A file of others is damaged, hostile or something else; the message names value and remedy."""
