// The seven published operations, by openapi-fetch with the types that openapi-typescript has made.
import createClient from "openapi-fetch";
import type { components, paths } from "./description.js";
import { type District, type Outcome, main } from "./main.js";

async function seven({ token, section, student, teacher, ...district }: District): Promise<Outcome> {
  const client = createClient<paths>({ baseUrl: district.base, headers: { Authorization: `Bearer ${token}` } });
  const essay: components["schemas"]["AssignmentRequest"] = {
    title: "Essay 1",
    description: "Two pages",
    due_date: "2030-06-01T23:59:00Z",
    points_possible: 20,
    grading_type: "points",
  };
  const grade: components["schemas"]["SubmissionRequest"] = { grade_points: 18, grader_id: teacher, state: "returned" };
  const created = await client.POST("/sections/{section_id}/assignments", {
    params: { path: { section_id: section } },
    body: essay,
  });
  const path = { section_id: section, assignment_id: created.data?.data?.id ?? "" };
  const assignment = "/sections/{section_id}/assignments/{assignment_id}";
  const submission = "/sections/{section_id}/assignments/{assignment_id}/submissions/{user_id}";
  const own = { params: { path: { ...path, user_id: student } } };
  const read = await client.GET(assignment, { params: { path } });
  const updated = await client.PATCH(assignment, { params: { path }, body: { title: "Essay 2" } });
  const listed = await client.GET("/sections/{section_id}/assignments/{assignment_id}/submissions", {
    params: { path, query: { limit: 2 } },
  });
  const before = await client.GET(submission, own);
  const graded = await client.PATCH(submission, { ...own, body: grade });
  const deleted = await client.DELETE(assignment, { params: { path } });
  const gone = await client.GET(assignment, { params: { path } });
  // A gateway may also answer these three with a delivery, which clients made from its own document know.
  const made = created.data?.data;
  const changed = updated.data?.data;
  const returned = graded.data?.data;
  return {
    created: made && "title" in made ? made.title : undefined,
    read: read.data?.data?.due_date,
    updated: changed && "title" in changed ? changed.title : undefined,
    listed: listed.data?.data?.length,
    before: before.data?.data?.state,
    graded: returned && "grade_points" in returned ? returned.grade_points : undefined,
    deleted: deleted.response.status,
    gone: gone.error?.message,
  };
}

await main(seven);
