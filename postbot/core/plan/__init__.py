"""From what is seen and remembered to what is to be done: `decide` makes the plan, `forecast` looks ahead."""
