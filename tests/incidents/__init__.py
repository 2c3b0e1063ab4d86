"""Failures that teams have paid for, one test each, named after what happened.

Every test also does what the team did, and shows that it goes wrong: a safeguard against nothing would be none.
"""
