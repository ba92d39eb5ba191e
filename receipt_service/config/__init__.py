"""Settings: environment variables ``RECEIPT_*``, read once, frozen, refused when unknown.

Every process has a class of its own and reads only that class's variables, so the API never learns
the mail password. A secret has no default, and ``RECEIPT_X_FILE`` may name a file that holds it.
What would be unsafe (plain SMTP, http addresses, the built-in token issuer) needs ``RECEIPT_DEMO=true``.
``loading.load`` turns every fault into one ``ConfigurationError`` which names settings, never their values.
"""
