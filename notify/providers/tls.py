"""Whom to trust in TLS."""

import ssl

import certifi


def default_tls() -> ssl.SSLContext:
    """Trust the system's authorities (SSL_CERT_FILE too) and certifi's: some Pythons come with none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
