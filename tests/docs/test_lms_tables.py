"""The tables of what an LMS answers and the client gets: each row has its tests, and none is missing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
SUITE = TESTS.parent / "src" / "passback" / "testing" / "suite"
PAGES = TESTS.parent / "docs" / "reference" / "lms"

LTI: list[tuple[str, str]] = [
    ("404 for a line item", "suite: an_assignment_that_a_teacher_deleted_is_gone"),
    ("404 for a line item, while another", "lti/answers: a_line_item_that_the_lms_has_moved_is_found_by_its_mark"),
    ("the same for a course", "suite: nobody_is_read_of_a_section_that_is_not_there"),
    ("somebody who is not in the class list", "lti/answers: a_refused_score"),
    ("400 for a score without a reason", "lti/scores: who_cannot_be_graded_is_gone"),
    ("a class list without anybody", "emptied_lists: nothing_is_gone nobody_is_found_missing_if_a_list_has_nobody"),
    ("a grader who does not teach", "suite: a_grader_of_another_section_is_unknown"),
    ("409, or 400 about the timestamp", "lti/scores: a_score_whose_answer_was_lost_is_delivered_once"),
    ("the same, and it shows what it had before",
     "lti/scores: whatever_its_clock_an_lms_takes_every_grade an_lms_that_refuses_every_time_is_unavailable"),
    ("the same, and it shows something else",
     "lti/scores: a_teachers_later_edit_stays_and_is_told a_score_in_doubt_does_not_replace_what_a_teacher_wrote_since"
     " a_score_that_had_to_wait_does_not_replace_what_a_teacher_wrote_meanwhile"
     " a_teachers_later_edit_is_replaced_if_the_district_wants_that"),
    ("2xx, but other points are there",
     "lti/scores: more_than_the_maximum_is_shown_as_the_lms_keeps_it"
     " a_teachers_grade_on_a_links_own_column_stays_with_a_warning"),
    ("2xx, but the result is of another maximum",
     "lti/scores: a_grade_counts_as_it_was_given_though_a_teacher_has_just_changed_the_maximum"),
    ("more than the maximum, in Open edX", "lti/scores: more_than_the_maximum_is_shown_as_the_lms_keeps_it"),
    ("2xx, but the points or the comment are still", "suite: a_change_is_made_once_though_the_lms_shows_what_it_had_before"),
    ("2xx without what its answer always has", "lti/scores: an_answer_without_what_it_always_has_leaves_a_doubt"),
    ("a result that is no number", "lti/answers: a_result_without_a_sound_maximum_is_a_failure"),
    ("a result without points", "lti/scores: a_score_of_zero_that_is_not_shown_is_zero"),
    ("401, in Open edX also 403", "lti/answers: a_token_that_is_refused_in_mid_flight_is_replaced"),
    ("401 or 403 for one column", "denied_objects: an_assignment_of_which_all_is_denied_is_refused"),
    ("401 or 403 for a new assignment",
     "denied_objects: a_section_in_which_nothing_may_be_created_refuses_it;"
     " lti/answers: a_new_assignment_that_is_denied_by_a_slip_is_made_once"),
    ("a token without a scope", "lti/answers: a_scope_that_is_not_granted_is_named"),
    ("no token", "lti/answers: a_client_that_the_lms_does_not_know_is_found_bad"
     " a_token_that_moodle_refuses_in_words_of_its_own_is_refused_for_good"),
    ("403 for everything", "denied_objects: what_is_denied_of_everything_is_to_be_mended"),
    ("403 for a class list that is too long", "lti/answers: a_course_with_too_many_people_for_open_edx"),
    ("405 for a deletion", "lti/answers: a_deletion_of_an_activitys_column"),
    ("500 to a score in Moodle's own form",
     "lti/scores: a_column_that_a_teacher_locked_refuses_and_keeps_what_it_has a_failure_that_looks_like_a_lock_passes"),
    ("422 of any other kind", "lti/answers: a_refused_score"),
    ("400, 409 or 412 of any other kind", "lti/answers: a_refused_score"),
    ("429", "suite: a_throttled_create_is_sent_again_after_the_wait"),
    ("5xx, a page of HTML", "suite: what_is_said_of_a_change_is_true_whatever_answer_is_spoilt"
     " a_create_is_made_once_whatever_answer_is_spoilt"),
    ("a list whose next page, or a line item, is on a host",
     "lti/hosts: a_line_item_on_a_host_that_nobody_has_named_is_not_asked_for;"
     " lti/answers: a_list_that_leads_elsewhere_or_nowhere_is_no_list"),
    ("a list without end", "lti/answers: a_list_that_leads_elsewhere_or_nowhere_is_no_list"),
    ("a title of more than 255 letters", "lti/answers: what_an_assignment_cannot_be"),
    ("assignees who are not in the course", "lti/answers: what_an_assignment_cannot_be"),
    ("a grade taken away, or a comment without a grade, in Open edX",
     "lti/scores: a_grade_is_taken_away_where_that_is_possible open_edx_has_only_what_a_teacher_added"),
    ("a new assignment in Open edX", "lti/scores: open_edx_has_only_what_a_teacher_added"),
    ("another title, other points or a deletion in Open edX", "lti/scores: open_edx_has_only_what_a_teacher_added"),
    ("`state: returned` without a grade", "lti/answers: work_is_returned_only_with_a_grade"),
    ("`letter_grade`; excused", "lti/answers: what_an_assignment_cannot_be;"
     " suite: an_excused_student_is_flagged_until_unflagged more_attempts_are_kept"
     " a_due_date_of_ones_own_is_kept work_that_is_handed_in_is_kept"),
    ("a course from which nobody has opened the app",
     "lti/answers: a_course_that_was_never_opened_says_what_to_do"
     " a_course_whose_addresses_follow_from_its_number_needs_no_launch"),
]  # fmt: skip
"""What a row begins with, and its tests by the end of their file's name; `suite` is the one for every connector."""

MOODLE: list[tuple[str, str]] = [
    ("`invalidrecord`, `invalidcoursemodule`", "moodle/faults: each_errorcode_is_an_error_of_its_own;"
     " suite: an_assignment_that_a_teacher_deleted_is_gone"),
    ("someone who is not an active student", "moodle/submissions: nobody_but_an_active_student_is_graded"),
    ("a course without anybody", "emptied_lists: nothing_is_gone nobody_is_found_missing_if_a_list_has_nobody"),
    ("the grader teaches another course", "suite: a_grader_of_another_section_is_unknown"),
    ("`invalidtoken`", "moodle/faults: each_errorcode_is_an_error_of_its_own"),
    ("`accessexception` for every function", "moodle/faults: access_that_is_refused_to_everything_is_the_tokens_fault"),
    ("`accessexception` for one function", "moodle/faults: access_that_is_refused_to_everything_is_the_tokens_fault"),
    ("`nopermissions`", "moodle/faults: each_errorcode_is_an_error_of_its_own;"
     " moodle/submissions: a_right_that_is_missing_is_said"),
    ("`invalidrecord` for an unknown function", "moodle/faults: an_unknown_function_is_no_assignment_that_is_gone"),
    ("`dmlwriteexception` and the like", "moodle/faults: each_errorcode_is_an_error_of_its_own;"
     " moodle/submissions: first_grades_that_clash_are_sent_again"),
    ("the same, or values that it does not accept, for a list",
     "moodle/submissions: in_a_list_that_fails_in_its_middle_each_has_its_own_outcome"),
    ("any other error to a change", "moodle/faults: each_errorcode_is_an_error_of_its_own;"
     " moodle/assignments: a_copy_is_deleted_if_moodle_refuses_its_due_date"),
    ("any other error to a read", "moodle/faults: a_read_is_never_refused an_error_of_php_is_a_failure"),
    ("no template in the course", "moodle/assignments: a_course_without_template_is_refused"),
    ("templates, but none with these points", "moodle/assignments: other_points_than_the_templates_have_are_refused"),
    ("more points than the maximum", "moodle/submissions: more_than_the_maximum_is_not_even_sent"),
    ("an assignment that is graded by a scale", "moodle/submissions: what_is_not_graded_by_points_is_refused"),
    ("a comment, though feedback comments are off",
     "moodle/submissions: a_comment_where_comments_are_off_is_refused"),
    ("a due date before the assignment opens",
     "moodle/assignments: a_due_date_outside_the_templates_other_dates_is_refused"),
    ("`couldnotgrantextensions`", "moodle/submissions: a_students_due_date_before_the_assignments_is_refused"
     " of_several_extensions_only_the_one_that_is_too_early_is_refused"),
    ("nothing, and the gradebook's entry is locked",
     "moodle/submissions: a_grade_that_the_gradebook_keeps_from_being_changed_is_refused"),
    ("nothing, and another grade is there",
     "suite: a_grade_that_the_lms_limits_costs_one_write_and_a_few_looks"),
    ("the gradebook shows another maximum",
     "points_changed: a_share_is_taken_of_the_points_that_there_are_now"),
    ("nothing, and no grade is there", "verified: a_grade_that_the_lms_never_keeps_has_not_arrived"),
    ("nothing, and the student is not in the gradebook",
     "moodle/submissions: a_student_whom_the_gradebook_does_not_show_is_in_doubt_or_has_left"),
    ("`state: returned` without a grade", "moodle/submissions: what_moodle_cannot_do_is_refused"),
    ("more than one attempt at once",
     "moodle/submissions: attempts_are_opened_one_after_the_other_as_far_as_moodle_does"
     " no_attempt_is_opened_before_the_last_is_handed_in_nor_taken_back"),
    ("`couldnotrevert`", "moodle/submissions: what_moodle_cannot_do_is_refused"
     " work_that_moodle_does_not_give_back_is_told"),
    ("`individuals` as assignees", "moodle/submissions: what_moodle_cannot_do_is_refused;"
     " moodle/assignments: what_moodle_cannot_do_is_refused_before_anything_is_made;"
     " suite: work_that_is_handed_in_is_kept"),
    ("several new copies of a template", "moodle/assignments: creates_at_the_same_time_take_a_copy_each"
     " creates_of_two_processes_never_take_the_same_copy"),
    ("503 and a page of HTML", "moodle/faults: a_site_in_maintenance_is_asked_again"),
    ("429", "suite: a_throttled_create_is_sent_again_after_the_wait"),
    ("something that is not JSON", "moodle/faults: something_for_an_answer_of_nothing_is_useless;"
     " suite: an_answer_that_is_not_as_expected_is_a_fault_of_the_lms"),
    ("a list for a whole course", "moodle/submissions: a_class_whose_lists_are_too_large_is_read_one_by_one"),
    ("a grade that is no number", "suite: a_grade_that_cannot_be_read_is_never_refused"),
]  # fmt: skip


def rows(page: str) -> list[str]:
    """The first cells of the table of what the client gets."""
    text = (PAGES / f"{page}.md").read_text().partition("## What the client gets")[2]
    found = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return found[1:]


@cache
def names(file: str) -> frozenset[str]:
    """The tests of a file, by the end of its name, or those of the suite for every connector."""
    folder, _, name = file.rpartition("/")
    files = SUITE.glob("*.py") if name == "suite" else [TESTS / "lms" / folder / f"test_{name}.py"]
    return frozenset(
        found
        for path in files
        for found in re.findall(r"^ *def test_(\w+)\(", path.read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize(("page", "table"), [("lti", LTI), ("moodle", MOODLE)])
def test_each_row_has_its_tests(page: str, table: list[tuple[str, str]]) -> None:
    shown = rows(page)
    assert [row for row, (begins, _) in zip(shown, table, strict=False) if not row.startswith(begins)] == []
    assert len(shown) == len(table)
    for _, tests in table:
        for one in tests.split(";"):
            file, _, wanted = one.partition(":")
            assert set(wanted.split()) - names(file.strip()) == set()
            assert wanted.strip()
