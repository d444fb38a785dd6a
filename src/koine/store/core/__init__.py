"""What every query needs: the two databases behind one interface, statements and paging."""
