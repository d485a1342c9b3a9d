SECTION_LMS_ID = {"000007": "1/7", "000008": "1/8"}


def person_lms_id(digits: str) -> str:
    return str(int(digits))
