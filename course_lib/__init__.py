"""Library of the course *Optimization Algorithms of Deep Learning*.

This file imports nothing, so that ``python3 -m course_lib`` starts on a bare Python and can install the rest.
"""

__version__ = "0.1.0"
