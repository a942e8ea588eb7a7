"""What a pricing team works with: vendors' rate sheets, read whatever they look like."""
