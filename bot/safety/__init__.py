"""What holds promotions back by a person's word: locks, freezes, rejected images; reviews, stand-ins.

Each desk authorises where it acts, and writes the effect, its audit row and what is told about it in one transaction.
"""
