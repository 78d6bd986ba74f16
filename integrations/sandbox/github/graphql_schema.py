"""The part of GitHub's GraphQL schema that is served: one mutation, and enough to read a file and a head."""

from functools import cache

from graphql import GraphQLSchema, build_schema

_DEFINITION = """
scalar Base64String
scalar GitObjectID
scalar URI

type Query { viewer: User! repository(owner: String!, name: String!): Repository }
type User { login: String! }
type Repository {
  id: ID!
  nameWithOwner: String!
  defaultBranchRef: Ref
  ref(qualifiedName: String!): Ref
  object(oid: GitObjectID, expression: String): GitObject
}
interface GitObject { oid: GitObjectID! }
type Blob implements GitObject { oid: GitObjectID! byteSize: Int! text: String }
type Commit implements GitObject { oid: GitObjectID! url: URI! message: String! }
type Ref { id: ID! name: String! prefix: String! target: GitObject }

type Mutation { createCommitOnBranch(input: CreateCommitOnBranchInput!): CreateCommitOnBranchPayload }
type CreateCommitOnBranchPayload { clientMutationId: String commit: Commit ref: Ref }
input CreateCommitOnBranchInput {
  branch: CommittableBranch!
  clientMutationId: String
  expectedHeadOid: GitObjectID!
  fileChanges: FileChanges
  message: CommitMessage!
}
input CommittableBranch { branchName: String id: ID repositoryNameWithOwner: String }
input CommitMessage { body: String headline: String! }
input FileChanges { additions: [FileAddition!] = [] deletions: [FileDeletion!] = [] }
input FileAddition { contents: Base64String! path: String! }
input FileDeletion { path: String! }
"""


@cache
def served_schema() -> GraphQLSchema:
    return build_schema(_DEFINITION)
