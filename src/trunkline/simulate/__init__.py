"""Made-up traffic and prices: the demo's data, bench data, and `bin/trunkline simulate`.

    world       dial codes of the world at any depth, from the metadata of `phonenumbers`
    decks       price lists over them, as rate files and as the engine's tables
    traffic     call attempts as columns
    flaws       what is wrong with some of them, each with the reason of its reject
    formats     attempts as the lines of a format
    samples, sample_documents   records of every format, for the bench and the tests
    files       files of any size with exact counts of what was put in
    demo        the two operators of the demo; usage: one file of such traffic
    pipeline_case, rating_case   what the benches run on

Everything follows from a seed, to the byte (`draws` says how). Uses `core` only and knows nothing of the rooms above.
"""
