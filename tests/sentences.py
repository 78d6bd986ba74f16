"""Sentences to people: tests outside tests/views look for what they must tell, not for how it is put."""


def says(text: str, *words: str) -> bool:
    """Whether all of the words stand in the text, in this order, whatever stands between them."""
    rest = text
    for word in words:
        _, found, rest = rest.partition(word)
        if not found:
            return False
    return True
