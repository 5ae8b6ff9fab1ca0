# exit: 0
# out: usage: celllab top
top --help
