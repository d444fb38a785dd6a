"""koine.dialects.inbox.realtime"""
