"""Notifications: what happened is told to those who asked for it. Nothing here can touch a payment, nor delay one."""
