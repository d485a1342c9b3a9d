"""A roster on its way in: staged in temporary tables, checked, compared with what there is, applied and matched."""
