$U frobnicate
