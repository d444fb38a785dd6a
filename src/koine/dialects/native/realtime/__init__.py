"""koine.dialects.native.realtime"""
