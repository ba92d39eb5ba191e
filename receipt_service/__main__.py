"""``python -m receipt_service`` is the command ``receipt-service``."""

from receipt_service.cli.main import main

if __name__ == "__main__":
    main()
