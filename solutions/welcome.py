# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Optimization algorithms of deep learning
#
# Welcome! In this course you write the algorithms that train neural networks, from plain gradient descent to
# Adam and beyond: each one yourself, in a few lines of NumPy, and then you put it to work on real data.

# %% [markdown]
# ## The weeks
#
# {{weeks}}
#
# Begin with the first one. You need Python, some NumPy and a little calculus: what a derivative is, and that
# the gradient points uphill. Weeks 04, 08 and 10 use some linear algebra as well: the eigenvalues and the trace of a
# matrix. The minutes are for reading, predicting, writing and running together. *Written*
# points are for an answer in your own words, which a person reads.

# %% [markdown]
# ## What builds on what
#
# An arrow leads from a week to one that uses it. The order of the numbers always works. If you only want the road to
# Adam, follow the arrows back from there.
#
# {{map}}

# %% [markdown]
# ## How a week works
#
# 1. **A question** that you can see in a figure, before any formula.
# 2. **Predict, then run.** You say what you expect, and the next figure settles it. A wrong guess that you made
#    yourself teaches more than a right answer that you read.
# 3. **Write.** Four to six functions of 1–13 lines each. The page gives the idea and the formula; the code is
#    yours.
# 4. **Check.** Run the cell with `check(...)` below your function. It tries your function on many cases and,
#    when something is off, says what.
# 5. **Experiment** with what you wrote, and decide which claims of lecture notes hold.
# 6. **Quiz, a short written reflection, and a card** with what to remember.

# %% [markdown]
# ## When you are stuck
#
# | You write | and you get |
# |---|---|
# | `check(steps_per_epoch)` | what is right, what is not yet, and your points |
# | `hint(steps_per_epoch)` | a hint; call it again for the next of three |
# | `solution(steps_per_epoch)` | one solution, once you have checked an attempt of your own |
#
# Check as often as you like: nobody counts your attempts, and an exercise that is still open never stops the
# cells below it. Notebooks are saved as you work. *Kernel → Restart Kernel and Run All Cells* runs a page once more
# from its top, with what you have written in it; it does not empty it. For a week's original, take its notebook
# from a fresh copy of the course.

# %% [markdown]
# ## To look things up
#
# The [reference](reference.ipynb) has a formula sheet of all update rules in one notation, a glossary (English and
# Korean), the errors of the lecture notes beside the experiments that show them, and a table that says where each topic
# of the notes went.
