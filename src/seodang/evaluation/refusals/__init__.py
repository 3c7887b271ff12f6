"""Requests that are declined or answered, and passages that hold an answer or not."""
