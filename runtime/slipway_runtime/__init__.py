"""What runs inside a Python worker of the model server: the loop and what user scripts import.

Standard library only, and the syntax of Python 3.6, because it runs in the user's interpreter.
"""
