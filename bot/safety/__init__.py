"""What holds promotions back by a person's word: locks, freezes, rejected images; reviews, stand-ins.

Each service authorises where it acts, and writes effect, audit row and messages in one transaction.
"""
