// The seven published operations, by the client that swagger-typescript-api has made.
import { Api, type AssignmentRequest, GradingType, type NotFound, type SubmissionRequest, SubmissionState } from "./api.js";
import { type District, type Outcome, main } from "./main.js";

async function seven({ token, section, student, teacher, base }: District): Promise<Outcome> {
  const { sections } = new Api({
    baseUrl: base,
    securityWorker: () => ({ headers: { Authorization: `Bearer ${token}` } }),
  });
  const essay: AssignmentRequest = {
    title: "Essay 1",
    description: "Two pages",
    due_date: "2030-06-01T23:59:00Z",
    points_possible: 20,
    grading_type: GradingType.Points,
  };
  const grade: SubmissionRequest = { grade_points: 18, grader_id: teacher, state: SubmissionState.Returned };
  const created = await sections.createAssignmentForSection(section, essay);
  const id = created.data.data?.id ?? "";
  const read = await sections.getAssignmentForSection(section, id);
  const updated = await sections.updateAssignmentForSection(section, id, { title: "Essay 2" });
  const listed = await sections.getSubmissionsForAssignment(section, id, { limit: 2 });
  const before = await sections.getSubmissionForAssignment(section, id, student);
  const graded = await sections.updateSubmissionForAssignment(section, id, student, grade);
  const deleted = await sections.deleteAssignmentForSection(section, id);
  const gone = await sections.getAssignmentForSection(section, id).then(
    () => undefined,
    (thrown: { error: NotFound }) => thrown.error.message,
  );
  return {
    created: created.data.data?.title,
    read: read.data.data?.due_date ?? undefined,
    updated: updated.data.data?.title,
    listed: listed.data.data?.length,
    before: before.data.data?.state,
    graded: graded.data.data?.grade_points,
    deleted: deleted.status,
    gone,
  };
}

await main(seven);
