"""Messages typed in Latin letters though their language has others: Arabizi, Finglish, Greeklish.

The encoder has hardly met such words. They are turned into the language's own letters before a
message is embedded: `spelling` knows which letters sound alike, `lexicon` the words of the training
messages, `detector` which language a message is in.
"""
