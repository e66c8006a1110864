"""Text from the system, such as file names, on a machine that reads it as something else than UTF-8.

Python keeps the bytes that it cannot read as halves of surrogate pairs, which no file of ours can hold: an accent
where the language is C and PYTHONUTF8=0, or a name that another system wrote in Latin-1.
"""


def spelled(text: str) -> str:
    """Decode as UTF-8 the bytes that Python could not read in the machine's encoding, as far as they are UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text  # half of a pair that came from elsewhere: no name of the system


def storable(text: str) -> str:
    """Make a text that UTF-8 can hold: « ? » stands for what is still no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return spelled(text).encode(errors="replace").decode()
    return text
