"""Whose certificates are trusted: the system's authorities, and private ones that the operator names."""

from __future__ import annotations

import functools
import ssl

_private: list[str] = []
"""The file of the private authorities, if one is named; the same for the whole process, as the settings are."""


def trust_also(file: str) -> None:
    """Trust the authorities in a file (PEM), too, for every connection that is opened from now on; "" for none.

    Raises `ValueError` if it holds no certificates that can be read.
    """
    if file:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        except OSError as error:  # of which ssl.SSLError is one
            raise ValueError(
                f"{file} holds no certificates that can be read ({error.strerror or error})"
            ) from None
    _private[:] = [file] if file else []
    trusted.cache_clear()


def private_authorities() -> str:
    """The file of the private authorities; "" if none is named."""
    return _private[0] if _private else ""


@functools.cache
def trusted() -> ssl.SSLContext:
    """The certificates that are trusted, loaded once as that takes some 20 milliseconds."""
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in _private:
        context.load_verify_locations(file)
    return context


def untrusted(error: BaseException) -> str | None:
    """What to say if a connection failed because the server's certificate is not trusted; else None."""
    cause: BaseException | None = error
    while cause is not None:
        # The HTTP library's own error is of this class, too, and lacks the message.
        if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_message"):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in str(error) else None
