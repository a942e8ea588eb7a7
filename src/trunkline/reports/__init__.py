"""Looking across: figures of the business."""
