"""Documents as PDF: the data of a page (`layout`), its words (`catalogue`), and typst, which sets it (`press`)."""
