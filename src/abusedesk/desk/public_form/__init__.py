"""The public form: what anybody says on it is received once they confirmed it by mail.

`door` keeps it, sealed, orders the one mail that asks, and makes what was confirmed an ordinary message of the brand's
form channel; `limits` says how often; `letters` are the words of both mails.
"""
