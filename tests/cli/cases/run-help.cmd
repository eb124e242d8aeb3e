$U run --help
