"""Grading: what a class asks for, what customers pay for it, where to cut, what a lot is, and where each grade goes."""
