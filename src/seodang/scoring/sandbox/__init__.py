"""Code that nobody has read runs here: without network, without files but a scratch folder, within limits, and never told what is expected.

`host` is the side of the caller. It starts a `zygote`, which shuts itself in (`namespaces`, or `landlock` where those are refused) and
forks one short-lived process a job. A job is a candidate (`candidate`: untrusted code that answers calls, or a program) or a judge
(`judge`: the tests, in a process of their own, which alone writes the verdict). The two share two pipes and no memory.
"""
